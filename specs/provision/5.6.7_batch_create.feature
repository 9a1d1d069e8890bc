@clause:5.6.7
Feature: Batch Entity Creation
  Each member of the batch stands for itself.

  Scenario: All are created
    When a client creates the batch
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 2}}]
      """
    Then the answer is 201
    And the answer is exactly
      """
      ["urn:ngsi-ld:House:1", "urn:ngsi-ld:House:2"]
      """
    And there is no entity "urn:ngsi-ld:House:3"

  Scenario: A bad member does not harm its neighbours
    When a client creates the batch
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House"},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property"}},
       {"id": "urn:ngsi-ld:House:3", "type": "House"}]
      """
    Then the answer is 207
    And the answer holds
      """
      {"success": ["urn:ngsi-ld:House:1", "urn:ngsi-ld:House:3"], "errors": [{"entityId": "urn:ngsi-ld:House:2"}]}
      """
    And there is no entity "urn:ngsi-ld:House:2"
    And the entity "urn:ngsi-ld:House:3" holds
      """
      {"type": "House"}
      """

  Scenario: An id that is taken is reported
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 2}}]
      """
    When a client creates the batch
      """
      [{"id": "urn:ngsi-ld:House:2", "type": "House"}, {"id": "urn:ngsi-ld:House:3", "type": "House"}]
      """
    Then the answer is 207
    And the answer holds
      """
      {"success": ["urn:ngsi-ld:House:3"],
       "errors": [{"entityId": "urn:ngsi-ld:House:2", "error": {"type": "https://uri.etsi.org/ngsi-ld/errors/AlreadyExists"}}]}
      """
    And the answer does not name "urn:ngsi-ld:House:1"

  Scenario Outline: What is no array of entities is refused
    When a client creates the batch
      """
      <body>
      """
    Then the answer is 400
    And it is refused as <error>

    Examples:
      | body                                           | error          |
      | {"id": "urn:ngsi-ld:House:1", "type": "House"} | InvalidRequest |
      | []                                             | BadRequestData |
