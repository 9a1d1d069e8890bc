@clause:4.5.19
Feature: Aggregated temporal representation of an Entity
  A number for each period instead of every instance.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "power": [{"type": "Property", "value": 1, "observedAt": "2026-01-01T00:10:00Z"},
                                  {"type": "Property", "value": 3, "observedAt": "2026-01-01T00:50:00Z"},
                                  {"type": "Property", "value": 10, "observedAt": "2026-01-01T01:30:00Z"}]}
      """

  Scenario: Hours
    When a client recalls with "timerel=between&timeAt=2026-01-01T00:00:00Z&endTimeAt=2026-01-01T02:00:00Z&options=aggregatedValues&aggrMethods=avg,max,totalCount&aggrPeriodDuration=PT1H" "urn:ngsi-ld:House:1"
    Then the answer is 200
    And the answer holds
      """
      {"power": {"type": "Property",
                 "avg": [[2.0, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"], [10.0, "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]],
                 "max": [[3, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"], [10, "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]],
                 "totalCount": [[2, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"], [1, "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]]}}
      """
    And the answer does not name "instanceId"

  Scenario: A period of nothing is the whole time
    When a client recalls with "timerel=between&timeAt=2026-01-01T00:00:00Z&endTimeAt=2026-01-01T02:00:00Z&options=aggregatedValues&aggrMethods=sum,sumsq,min,distinctCount&aggrPeriodDuration=PT0S" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"power": {"sum": [[14.0, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"]], "sumsq": [[110.0, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"]],
                 "min": [[1, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"]], "distinctCount": [[3, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"]]}}
      """
    And the answer does not name "values"

  Scenario Outline: A method or a period that is none is refused
    When a client recalls with "timerel=before&timeAt=2026-01-02T00:00:00Z&options=aggregatedValues&<query>" "urn:ngsi-ld:House:1"
    Then the answer is 400
    And it is refused as BadRequestData

    Examples:
      | query                                    |
      | aggrMethods=median                       |
      | aggrMethods=avg&aggrPeriodDuration=hour  |
      | aggrPeriodDuration=PT1H                  |
