@clause:5.9.3
@sources
Feature: Update Context Source Registration
  A registration changes; what is asked changes with it.

  Background:
    Given the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration", "description": "first",
       "information": [{"entities": [{"type": "House"}]}], "endpoint": "http://source"}
      """

  Scenario: Only what is named changes
    When a client updates the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
      """
      {"type": "ContextSourceRegistration", "description": "second"}
      """
    Then the answer is 204
    And the answer has no body
    When a client retrieves the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
    Then the answer holds
      """
      {"description": "second", "information": [{"entities": [{"type": "House"}]}]}
      """
    And the answer has no member "modifiedAt"

  Scenario: What was about houses is about rooms now
    Given the source answers 200 to GET "/entities"
      """
      [{"id": "urn:ngsi-ld:Room:1", "type": "Room"}]
      """
    When a client updates the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "Room"}]}]}
      """
    And a client queries entities with "type=House"
    Then the answer lists no entity
    And the source was asked nothing
    When a client queries entities with "type=Room"
    Then the answer lists "urn:ngsi-ld:Room:1" and no other entity

  Scenario: An unknown one is refused
    When a client updates the registration "urn:ngsi-ld:ContextSourceRegistration:none"
      """
      {"type": "ContextSourceRegistration", "description": "second"}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: A registration cannot lose its endpoint
    When a client updates the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
      """
      {"type": "ContextSourceRegistration", "endpoint": null}
      """
    Then the answer is 400
    And it is refused as BadRequestData
