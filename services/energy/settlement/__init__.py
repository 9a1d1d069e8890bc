"""Who owes whom what for each slot, in whole watt-hours and thousandths of a yen."""
