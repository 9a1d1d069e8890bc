@clause:5.13.3
Feature: List @contexts
  Which @contexts this broker keeps, by kind.

  Background:
    Given the hosted @context
      """
      {"@context": {"colour": "https://example.org/colour"}}
      """

  Scenario: The hosted ones
    When a client asks for "/jsonldContexts?kind=Hosted&details=true"
    Then the answer is 200
    And the answer names "Hosted"
    And the answer names "numberOfHits"
    And the answer does not name "ImplicitlyCreated"

  Scenario: An unknown kind is refused
    When a client asks for "/jsonldContexts?kind=Lost"
    Then the answer is 400
    And it is refused as BadRequestData, naming "kind"
