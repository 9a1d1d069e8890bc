@own
Feature: What devices say
  A frame becomes an entity by its mapping, once, at the instant of the device's clock. What nothing becomes of is kept
  with the reason. What was taken while the hub was away arrives when it is back.

  Background:
    Given a sensor "s1" with the key "right" in a room

  Scenario: A reading becomes an entity, in the unit of its model and at the instant of the device
    When "s1" says with the key "right" {"n": 1, "t": 294.15, "ts": "2026-01-01T00:00:10Z"}
    Then the warmth of the room of "s1" is 21 CEL since "2026-01-01T00:00:10.000000Z"
    And nothing is in quarantine

  Scenario: The same message twice is written once
    When "s1" says with the key "right" {"n": 1, "t": 294.15, "ts": "2026-01-01T00:00:10Z"}
    And "s1" says with the key "right" {"n": 1, "t": 294.15, "ts": "2026-01-01T00:00:10Z"}
    Then the room of "s1" was written 1 times, and not twice
    And nothing is in quarantine

  Scenario Outline: What nothing becomes of is kept with the reason
    When "<device>" says with the key "<key>" <message>
    Then the frame is refused as <reason>
    And there is no room of "<device>"

    Examples:
      | device | key   | message                                             | reason         |
      | s1     | right | {"n": 1, "t": 29                                    | truncated      |
      | s1     | right | t=21                                                | not_json       |
      | s1     | right | {"n": 1, "t": "warm", "ts": "2026-01-01T00:00:10Z"} | wrong_type     |
      | s1     | right | {"n": 1, "humidity": 60}                            | unmapped       |
      | s1     | wrong | {"n": 1, "t": 294.15}                               | wrong_key      |
      | s9     | right | {"n": 1, "t": 294.15}                               | unknown_device |
      | s1     | right | {"n": 1, "t": 294.15, "ts": "2025-01-01T00:00:00Z"} | clock          |
      | s1     | right | {"n": 1, "t": 294.15, "ts": "2027-01-01T00:00:00Z"} | clock          |

  Scenario: The number of a message with other content is an attack, or a fault
    When "s1" says with the key "right" {"n": 1, "t": 294.15, "ts": "2026-01-01T00:00:10Z"}
    And "s1" says with the key "right" {"n": 1, "t": 300.15, "ts": "2026-01-01T00:00:10Z"}
    Then the frame is refused as replayed
    And the warmth of the room of "s1" is 21 CEL since "2026-01-01T00:00:10.000000Z"

  Scenario: While the hub is away nothing is lost
    Given the hub is away
    When "s1" says with the key "right" {"n": 1, "t": 294.15, "ts": "2026-01-01T00:00:10Z"}
    And "s1" says with the key "right" {"n": 2, "t": 295.15, "ts": "2026-01-01T00:00:15Z"}
    Then there is no room of "s1"
    When the hub is back
    Then the warmth of the room of "s1" is 22 CEL since "2026-01-01T00:00:15.000000Z"
    And the room of "s1" was written 2 times, and not once
