@clause:5.11.6
Feature: Delete Context Source Registration Subscription
  Nobody is told any more.

  Scenario: It is gone
    Given a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    When a client deletes the subscription to registrations "urn:ngsi-ld:Subscription:sources"
    Then the answer is 204
    And the answer has no body
    When a client retrieves the subscription to registrations "urn:ngsi-ld:Subscription:sources"
    Then the answer is 404

  Scenario: An unknown one is refused
    When a client deletes the subscription to registrations "urn:ngsi-ld:Subscription:none"
    Then the answer is 404
    And it is refused as ResourceNotFound
