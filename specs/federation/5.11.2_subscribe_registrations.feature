@clause:5.11.2
@sources
Feature: Create Context Source Registration Subscription
  Somebody wants to be told who knows.

  Scenario: A subscription is active from its creation
    When a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify", "accept": "application/json"}}}
      """
    Then the answer is 201
    And the answer has the header Location "/ngsi-ld/v1/csourceSubscriptions/urn:ngsi-ld:Subscription:sources"
    And the answer has no body

  Scenario: An id that is taken is refused
    Given a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    When a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "Room"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    Then the answer is 409
    And it is refused as AlreadyExists

  Scenario: One that tells nobody is refused
    When a client subscribes to registrations
      """
      {"type": "Subscription", "entities": [{"type": "House"}]}
      """
    Then the answer is 400
    And it is refused as BadRequestData
