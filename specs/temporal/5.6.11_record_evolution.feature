@clause:5.6.11
Feature: Create or Update (Upsert) Temporal Evolution of an Entity
  A history is brought in, and more of it later.

  Scenario: A new history is created
    When a client records the evolution
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House",
       "temperature": [{"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"},
                       {"type": "Property", "value": 21, "observedAt": "2026-01-01T01:00:00Z"}]}
      """
    Then the answer is 201
    And the answer has the header Location "/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:House:1"
    And there is no entity "urn:ngsi-ld:House:1"
    When a client recalls with "options=temporalValues" "urn:ngsi-ld:House:1"
    Then the answer is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House",
       "temperature": {"type": "Property", "values": [[20, "2026-01-01T00:00:00Z"], [21, "2026-01-01T01:00:00Z"]]}}
      """

  Scenario: One that is known gets the instances, and the types it had not
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "temperature": {"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"}}
      """
    When a client records the evolution
      """
      {"id": "urn:ngsi-ld:House:1", "type": "Monument",
       "temperature": {"type": "Property", "value": 21, "observedAt": "2026-01-01T01:00:00Z"}}
      """
    Then the answer is 204
    And the answer has no body
    When a client recalls with "options=temporalValues" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"type": ["House", "Monument"],
       "temperature": {"values": [[20, "2026-01-01T00:00:00Z"], [21, "2026-01-01T01:00:00Z"]]}}
      """

  Scenario: What happens to an entity is its history, without being recorded
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00Z"}}
      """
    And a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 2, "observedAt": "2026-01-01T01:00:00Z"}}
      """
    When a client recalls with "options=temporalValues" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": {"values": [[1, "2026-01-01T00:00:00Z"], [2, "2026-01-01T01:00:00Z"]]}}
      """
    And the answer has no member "createdAt"

  Scenario Outline: What is no history is refused
    When a client records the evolution
      """
      <body>
      """
    Then the answer is 400
    And it is refused as BadRequestData

    Examples:
      | body                                                                          |
      | {"id": "house", "type": "House"}                                              |
      | {"id": "urn:ngsi-ld:House:1"}                                                 |
      | {"id": "urn:ngsi-ld:House:1", "type": "House", "a": {"type": "Property"}}     |
