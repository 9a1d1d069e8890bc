"""Every function of the API, named as in clause 5; they call ports only."""
