@clause:5.7.3
Feature: Retrieve Temporal Evolution of an Entity
  What an entity was, between two times, the last of it, or all.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "name": {"type": "Property", "value": "one"},
       "temperature": [{"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z", "unitCode": "CEL"},
                       {"type": "Property", "value": 21, "observedAt": "2026-01-01T01:00:00Z", "unitCode": "CEL"},
                       {"type": "Property", "value": 22, "observedAt": "2026-01-01T02:00:00Z", "datasetId": "urn:x:roof"}],
       "pressure": {"type": "Property", "value": 1013, "observedAt": "2025-12-31T00:00:00Z"}}
      """

  Scenario: Between two times, the first of them included
    When a client recalls with "timerel=between&timeAt=2026-01-01T00:00:00Z&endTimeAt=2026-01-01T02:00:00Z&attrs=temperature" "urn:ngsi-ld:House:1"
    Then the answer is 200
    And the answer holds
      """
      {"temperature": [{"value": 20, "unitCode": "CEL"}, {"value": 21, "observedAt": "2026-01-01T01:00:00Z"}]}
      """
    And the answer has no member "pressure"

  Scenario: The last two, newest first
    When a client recalls with "timerel=before&timeAt=2030-01-01T00:00:00Z&lastN=2&attrs=temperature" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": [{"value": 22}, {"value": 21}]}
      """
    And the answer has no member "name"

  Scenario: Of a data set
    When a client recalls with "datasetId=urn:x:roof" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": [{"value": 22, "datasetId": "urn:x:roof"}]}
      """
    And the answer has no member "pressure"

  Scenario: An attribute that was deleted says when
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 1}}
      """
    And a client deletes the attribute "temperature" of "urn:ngsi-ld:House:2"
    When a client recalls "urn:ngsi-ld:House:2"
    Then the answer names "deletedAt"
    And the answer names "urn:ngsi-ld:null"
    And the entity "urn:ngsi-ld:House:2" has no "temperature"

  Scenario Outline: A time that is none is refused
    When a client recalls with "<query>" "urn:ngsi-ld:House:1"
    Then the answer is 400
    And it is refused as BadRequestData

    Examples:
      | query                                               |
      | timerel=since&timeAt=2026-01-01T00:00:00Z           |
      | timerel=after                                       |
      | timerel=after&timeAt=yesterday                      |
      | timerel=between&timeAt=2026-01-01T00:00:00Z         |

  Scenario: An unknown history is refused
    When a client recalls "urn:ngsi-ld:House:9"
    Then the answer is 404
    And it is refused as ResourceNotFound
