"""From readings to entities, as a YAML file says; pure.

    mapping = read_mapping(parse_yaml(text), resolve, "meters.yaml")      reading.py; raises BadMapping (a BadSettings)
    Mapper(mapping).apply(device, readings, received_at)                  applying.py: fragments (link.Mapped); BadFrame
    made = apply(mapping, readings, device, received_at)                  the same, with made.left_out: what became
    made.fragments, made.left_out                                         nothing, and why

`resolve` turns a @context (URL or list of them) into its names: `adapters.mapping_files` has one that knows the
packages' contexts without a network, and reads all mappings of a folder. plan.py says what a DeviceMapping holds.
"""
