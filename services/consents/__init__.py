"""Consents of residents: what a person allows whom to do with which data, for how long (ISO/IEC TS 27560, DPV 2).

`states` is the state machine (pure); `book` writes its events down; `giving`, `withdrawing`, `asking`, `household`,
`delegations`, `emergencies` say what people may do; `projecting` shows records in the hub, before an act is
acknowledged; `receipts`, `status`, `kantara`, `page` are what somebody holds of a consent; `doors` are the routes.
"""
