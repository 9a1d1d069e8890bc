"""From readings to entities, as a YAML file says; pure.

    mapping = read_mapping(parse_yaml(text), resolve, "meters.yaml")      reading.py; raises BadMapping (a BadSettings)
    made = apply(mapping, readings, device, received_at)                  applying.py; raises BadFrame
    made.fragments, made.left_out                                         for Hub.upsert; what became nothing, and why
    preview(mapping, codec, frame, device), try_sample(…)                 trying.py: shown whole; samples in files
    lint(mapping, library)                                                lint.py: beside the models of the packages

`resolve` turns a @context (URL or list of them) into its names: `adapters.mapping_files` has one that knows the
packages' contexts without a network, and reads all mappings of a folder. plan.py says what a DeviceMapping holds.
"""
