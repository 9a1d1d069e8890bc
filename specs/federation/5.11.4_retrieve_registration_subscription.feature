@clause:5.11.4
Feature: Retrieve Context Source Registration Subscription
  What somebody asked to be told.

  Scenario: It comes back as it was given
    Given a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify", "accept": "application/json"}}}
      """
    When a client retrieves the subscription to registrations "urn:ngsi-ld:Subscription:sources"
    Then the answer is 200
    And the answer holds
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "House"}], "status": "active"}
      """
    And the answer has no member "watchedAttributes"

  Scenario: An unknown one is refused
    When a client retrieves the subscription to registrations "urn:ngsi-ld:Subscription:none"
    Then the answer is 404
    And it is refused as ResourceNotFound
