"""Notifications: which changes concern which subscriptions, what is sent, and how it gets there."""
