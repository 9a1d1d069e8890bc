"""Commands to devices: an attribute that changes becomes one, with a right to it, limits, a lifetime and an audit.

    write ─ guard (who may? sealed) ─> change log ─ follower ─> book ─ judge (limits, now) ─> link ─> device
                                                                  └─> teller: `<name>Status`, `<name>Result`

PENDING ─> DELIVERED ─> OK | ERROR | EXPIRED; nothing that an answer, a clock or a crash can do leaves the last three.
"""
