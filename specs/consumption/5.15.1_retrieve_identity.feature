@clause:5.15.1
Feature: Retrieve Context Source Identity Information
  Who this broker is, and since when it runs.

  Scenario: The identity
    When a client asks for "/info/sourceIdentity"
    Then the answer is 200
    And the answer names "contextSourceAlias"
    And the answer names "contextSourceUptime"
    And the answer names "contextSourceTimeAt"
    And the answer has no member "status"

  Scenario: It takes no parameter of other operations; that is refused
    When a client asks for "/info/sourceIdentity?q=a"
    Then the answer is 400
    And it is refused as InvalidRequest, naming "q"
