"""Parcel lockers: reserve a compartment, deposit, fetch by a PIN that is nowhere in clear, or have it come back."""
