"""What personal data cost, and who gets what of it."""
