"""The module that a Celery worker loads, and those who send it tasks."""

from tests.support.forked_program import celery

app = celery()
