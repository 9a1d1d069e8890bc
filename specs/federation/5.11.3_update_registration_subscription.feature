@clause:5.11.3
Feature: Update Context Source Registration Subscription
  What somebody wants to be told changes.

  Background:
    Given a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """

  Scenario: Only what is named changes
    When a client updates the subscription to registrations "urn:ngsi-ld:Subscription:sources"
      """
      {"type": "Subscription", "description": "who has houses"}
      """
    Then the answer is 204
    And the answer has no body
    When a client retrieves the subscription to registrations "urn:ngsi-ld:Subscription:sources"
    Then the answer holds
      """
      {"description": "who has houses", "entities": [{"type": "House"}]}
      """

  Scenario: An unknown one is refused
    When a client updates the subscription to registrations "urn:ngsi-ld:Subscription:none"
      """
      {"type": "Subscription", "description": "who has houses"}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
