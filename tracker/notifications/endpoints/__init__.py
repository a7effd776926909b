"""Where news of the organisation, or of one team, goes besides to people: webhooks and group robots."""
