@own
Feature: Living through a blackout
  The hub follows routers, asks them what the district needs, and tells people. Routers alone open and close what protects.

  Background:
    Given five houses, a store and a mall with their routers

  Scenario: The grid goes, and comes back
    When the grid goes away
    Then "hana" reads that the community is isolated by a gridOutage, and of no house what it has
    And the hub shows the event as isolated, with an alert that is critical
    When "sato" proposes a black start
    And "suzuki" confirms it
    And 6 minutes go by
    Then "hana" reads that the community is islanded by a gridOutage, and of no house what it has
    And "h5" gets power from its neighbours, and no priority load is off
    When the grid comes back
    And 10 minutes go by
    Then "hana" reads that the community is connected, and nothing of a cause
    And the event went through isolated, blackStart, islanded, resynchronising, connected

  Scenario: One person alone starts nothing
    When the grid goes away
    And "sato" proposes a black start
    And "sato" confirms it
    Then it is refused as Forbidden, and no router was asked to form the line

  Scenario: Nothing is started while the grid is there
    When "sato" proposes a black start
    Then it is refused as Conflict, and no router was asked to form the line

  Scenario: A drill is an event like any other
    When "sato" begins a drill of 4 minutes
    And 2 minutes go by
    Then "hana" reads that the community is isolated by a drill, and of no house what it has
    When 9 minutes go by
    Then "hana" reads that the community is connected, and nothing of a cause

  Scenario: Residents do not begin drills
    When "hana" begins a drill of 10 minutes
    Then it is refused as Forbidden, and no router was asked to form the line
    And "hana" reads that the community is connected, and nothing of a cause
