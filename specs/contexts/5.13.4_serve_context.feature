@clause:5.13.4
Feature: Serve @context
  A hosted @context by its id, and what an entity says in its words.

  Background:
    Given the hosted @context
      """
      {"@context": {"colour": "https://example.org/colour"}}
      """

  Scenario: It comes back as it went in
    When the hosted @context is served
    Then the answer is 200
    And the answer holds
      """
      {"@context": {"colour": "https://example.org/colour"}}
      """
    And the answer has no member "kind"

  Scenario: An unknown @context is refused
    When a client asks for "/jsonldContexts/unknown"
    Then the answer is 404
    And it is refused as ResourceNotFound
