@own
Feature: Power among neighbours
  Who has too much sells to who needs it. A slot is cleared once, at one price, and carried out only while it is safe.

  Background:
    Given three houses and a store with their routers

  Scenario: An order is met, delivered and metered
    Given "hana" sells 700 Wh of "h1" for 9 yen
    And "taro" buys 700 Wh for "h2" at 25 yen
    When the slot begins
    Then the slot was cleared at 17 yen, and nobody is named
    And the leg of "h1" is asked for 1400 W, and that of "h2" for -1400 W
    When 1400 W flow from "h1" to "h2" for the slot
    Then "hana" reads that 690 Wh were delivered, and not 700
    And the legs of "h1" and "h2" are asked for nothing any more

  Scenario: What does not meet is not traded
    Given "hana" sells 700 Wh of "h1" for 26 yen
    And "taro" buys 700 Wh for "h2" at 25 yen
    When the slot begins
    Then no leg was asked for anything
    And the order of "hana" is expired, and there is no contract

  Scenario: The gate is closed
    Given "hana" sells 700 Wh of "h1" for 9 yen
    When the gate closes
    And "taro" would buy 700 Wh for "h2" in that slot at 25 yen
    Then it is refused as Conflict, naming "/deliveryStart"

  Scenario: Nobody orders for a neighbour
    When "taro" would sell 700 Wh of "h1" for 9 yen
    Then it is refused as Forbidden, naming "/participant"

  Scenario: An empty battery gives nothing away
    Given "hana" sells 700 Wh of "h1" for 9 yen
    And "taro" buys 700 Wh for "h2" at 25 yen
    When the slot begins with batteries at 20 %
    Then the contract of "hana" failed, for its rule "floor", and nothing flowed
    And no leg was asked for anything

  Scenario: A router by itself again
    Given "hana" sells 700 Wh of "h1" for 9 yen
    And "taro" buys 700 Wh for "h2" at 25 yen
    When the slot begins
    And a router reports a fault
    Then the contract of "hana" stopped, for its rule "interlock", and nothing more flows
    And the legs of "h1" and "h2" are asked for nothing any more

  Scenario: The operator runs the market and reads nobody's energy
    Given "hana" sells 700 Wh of "h1" for 9 yen
    And "taro" buys 700 Wh for "h2" at 25 yen
    When the slot begins
    Then "yamada" reads one contract, and neither whose nor how much
