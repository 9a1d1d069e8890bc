"""What meters say of each slot, from registers that only count up."""
