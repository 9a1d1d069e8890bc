@clause:5.9.2
@sources
Feature: Register Context Source
  Whoever has something to tell is registered, and asked from then on.

  Scenario: A registration is there from its making
    When a client registers
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration",
       "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    Then the answer is 201
    And the answer has the header Location "/ngsi-ld/v1/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:aizu"
    And the answer has no body

  Scenario: One without an id gets one
    When a client registers
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    Then the answer is 201
    And the header Location of the answer names "/ngsi-ld/v1/csourceRegistrations/urn:"
    And the source was asked nothing

  Scenario: An id that is taken is refused
    Given the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration",
       "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """
    When a client registers
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration",
       "information": [{"entities": [{"type": "Room"}]}], "endpoint": "http://source"}
      """
    Then the answer is 409
    And it is refused as AlreadyExists

  Scenario: What is registered exclusively cannot be registered so again
    Given the registration
      """
      {"type": "ContextSourceRegistration", "mode": "exclusive", "operations": ["redirectionOps"], "endpoint": "http://source",
       "information": [{"entities": [{"id": "urn:ngsi-ld:House:1", "type": "House"}], "propertyNames": ["temperature"]}]}
      """
    When a client registers
      """
      {"type": "ContextSourceRegistration", "mode": "exclusive", "operations": ["redirectionOps"], "endpoint": "http://127.0.0.1:9",
       "information": [{"entities": [{"id": "urn:ngsi-ld:House:1", "type": "House"}], "propertyNames": ["temperature"]}]}
      """
    Then the answer is 409
    And it is refused as Conflict

  Scenario: An exclusive one about an entity that is already here is refused
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20}}
      """
    When a client registers
      """
      {"type": "ContextSourceRegistration", "mode": "exclusive", "operations": ["redirectionOps"], "endpoint": "http://source",
       "information": [{"entities": [{"id": "urn:ngsi-ld:House:1", "type": "House"}], "propertyNames": ["temperature"]}]}
      """
    Then the answer is 409
    And it is refused as Conflict

  Scenario Outline: What cannot be meant is refused
    When a client registers
      """
      <body>
      """
    Then the answer is 400
    And it is refused as BadRequestData

    Examples:
      | body                                                                                                                                                        |
      | {"type": "ContextSourceRegistration", "endpoint": "http://source"}                                                                                          |
      | {"type": "ContextSourceRegistration", "information": [], "endpoint": "http://source"}                                                                       |
      | {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}]}                                                                   |
      | {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "no address"}                                         |
      | {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source", "mode": "sometimes"}                 |
      | {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source", "expiresAt": "2020-01-01T00:00:00Z"} |
      | {"type": "House", "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}                                                          |
