@clause:5.9.4
@sources
Feature: Delete Context Source Registration
  Who is no longer registered is no longer asked.

  Background:
    Given the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration",
       "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """

  Scenario: It is gone, and nobody is asked
    When a client deletes the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
    Then the answer is 204
    And the answer has no body
    When a client queries entities with "type=House"
    Then the answer lists no entity
    And the source was asked nothing

  Scenario: An unknown one is refused
    When a client deletes the registration "urn:ngsi-ld:ContextSourceRegistration:none"
    Then the answer is 404
    And it is refused as ResourceNotFound
