"""The module that a Celery worker loads, and those who send it tasks."""

from tests.forked_program import celery

app = celery()
