@own
Feature: The change stream
  Every change of a tenant, in the order of commits, from any position that is still kept.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "scope": "/misono/east", "temperature": {"type": "Property", "value": 20}}
      """
    And a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21}}
      """
    And the entity
      """
      {"id": "urn:ngsi-ld:Room:1", "type": "Room", "name": {"type": "Property", "value": "hall"}}
      """
    And a client deletes the entity "urn:ngsi-ld:House:1"

  Scenario: From the beginning
    When somebody follows the changes with "after=0"
    Then the answer is 200
    And the stream tells exactly
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "change": "created", "version": 1, "after": {"temperature": {"value": 20}}},
       {"id": "urn:ngsi-ld:House:1", "change": "updated", "before": {"temperature": {"value": 20}}, "after": {"temperature": {"value": 21}}},
       {"id": "urn:ngsi-ld:Room:1", "change": "created"},
       {"id": "urn:ngsi-ld:House:1", "change": "deleted", "before": {"temperature": {"value": 21}}}]
      """
    And the answer does not name "createdAt"

  Scenario: On from where somebody was
    Given somebody followed the changes up to the third
    When the header Last-Event-ID is what was kept
    And somebody follows the changes
    Then the stream tells exactly
      """
      [{"id": "urn:ngsi-ld:House:1", "change": "deleted"}]
      """
    And the answer does not name "hall"

  Scenario Outline: Only what is wanted
    When somebody follows the changes with "after=0&<filter>"
    Then the stream tells exactly
      """
      <told>
      """
    And the answer does not name "Castle"

    Examples:
      | filter                    | told                                                                  |
      | type=Room                 | [{"id": "urn:ngsi-ld:Room:1"}]                                        |
      | attrs=name                | [{"id": "urn:ngsi-ld:Room:1"}]                                        |
      | scopeQ=/misono/#          | [{"change": "created"}, {"change": "updated"}, {"change": "deleted"}] |
      | id=urn:ngsi-ld:Room:1     | [{"change": "created"}]                                               |
      | type=Castle               | []                                                                    |

  Scenario: A position that is not in the log is told to begin anew
    When the header Last-Event-ID is "9000000000000000"
    And somebody follows the changes
    Then the answer is 410
    And the answer holds
      """
      {"title": "Gone", "pointer": "Last-Event-ID"}
      """
    And the answer names "oldest"
    And the answer does not name "data: "

  Scenario: What is no filter is refused
    When somebody follows the changes with "limit=1"
    Then the answer is 400
    And it is refused as InvalidRequest, naming "limit"
