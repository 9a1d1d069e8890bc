"""From readings to entities, as a YAML file says; pure.

    mapping = read_mapping(parse_yaml(text), resolve, "meters.yaml")      reading.py; raises BadMapping (a BadSettings)
    mapped = apply(mapping, readings, device, received_at)                applying.py; raises BadFrame
    mapped.fragments, mapped.left_out                                     for Hub.upsert; what was left out, and why

`resolve` turns a @context (URL or list of them) into its names: `adapters.mapping_files` has one that knows the
packages' contexts without a network, and reads all mappings of a folder. plan.py says what a DeviceMapping holds.
"""
