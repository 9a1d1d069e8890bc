"""A city as one package: models, rules, adapters' mappings, labels and data that belong together, signed."""
