@clause:5.10.1
@sources
Feature: Retrieve Context Source Registration
  What is registered, but for what is nobody's to know.

  Scenario: It comes back as it was given
    Given the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration", "registrationName": "Aizu",
       "information": [{"entities": [{"type": "House", "idPattern": "urn:.*:aizu:.*"}], "propertyNames": ["temperature"],
                        "relationshipNames": ["owner"]}],
       "operations": ["retrieveOps"], "mode": "auxiliary", "endpoint": "http://source"}
      """
    When a client retrieves the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
    Then the answer is 200
    And the answer holds
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration", "registrationName": "Aizu",
       "information": [{"entities": [{"type": "House", "idPattern": "urn:.*:aizu:.*"}], "propertyNames": ["temperature"],
                        "relationshipNames": ["owner"]}],
       "operations": ["retrieveOps"], "mode": "auxiliary"}
      """
    And the answer has no member "tenant"

  Scenario: A key that is sent to the source is not shown
    Given the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration", "endpoint": "http://source",
       "information": [{"entities": [{"type": "House"}]}],
       "contextSourceInfo": [{"key": "Authorization", "value": "Bearer let-me-in"}, {"key": "X-Where", "value": "here"}]}
      """
    When a client retrieves the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
    Then the answer names "X-Where"
    And the answer does not name "let-me-in"
    When a client queries entities with "type=House"
    Then the source got the header Authorization "Bearer let-me-in"

  Scenario: An unknown one is refused
    When a client retrieves the registration "urn:ngsi-ld:ContextSourceRegistration:none"
    Then the answer is 404
    And it is refused as ResourceNotFound
