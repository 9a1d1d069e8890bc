@clause:5.6.5
Feature: Delete Attribute
  The default instance, one instance, or all of an attribute go.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House",
       "temperature": [{"type": "Property", "value": 20}, {"type": "Property", "value": 19, "datasetId": "urn:x:roof"}]}
      """

  Scenario: The default instance goes, the other stays
    When a client deletes the attribute "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 19, "datasetId": "urn:x:roof"}}
      """

  Scenario: One instance goes by its datasetId
    When a client deletes with "datasetId=urn:x:roof" the attribute "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20}}
      """
    And the answer has no body

  Scenario: All instances go
    When a client deletes with "deleteAll=true" the attribute "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" has no "temperature"

  Scenario Outline: What is not there is refused
    When a client sends DELETE to "<path>"
    Then the answer is 404
    And it is refused as ResourceNotFound

    Examples:
      | path                                                                 |
      | /entities/urn:ngsi-ld:House:1/attrs/pressure                         |
      | /entities/urn:ngsi-ld:House:1/attrs/temperature?datasetId=urn:x:cave |
      | /entities/urn:ngsi-ld:House:2/attrs/temperature                      |
