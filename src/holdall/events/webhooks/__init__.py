"""Webhooks: events sent to other services in the envelope of CloudEvents, signed as Standard Webhooks says."""

from holdall.events.webhooks.envelope import envelope
from holdall.events.webhooks.signature import Signature
from holdall.events.webhooks.webhook import Webhook, WebhookFailed, webhook_of

__all__ = ["Signature", "Webhook", "WebhookFailed", "envelope", "webhook_of"]
