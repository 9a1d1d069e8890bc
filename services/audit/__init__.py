"""The audit for those who look into it: auditors, and residents who want it proven what was told of them."""
