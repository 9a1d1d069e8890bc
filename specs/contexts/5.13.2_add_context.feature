@clause:5.13.2
Feature: Add @context
  A client's own @context is kept and served here.

  Scenario: A @context is added
    When a client adds the @context
      """
      {"@context": {"colour": "https://example.org/colour"}}
      """
    Then the answer is 201
    And the header Location of the answer names "/ngsi-ld/v1/jsonldContexts/"
    And the answer does not name "colour"

  Scenario Outline: What is no @context is refused
    When a client adds the @context
      """
      <body>
      """
    Then the answer is 400
    And it is refused as <error>

    Examples:
      | body                                     | error          |
      | {"colour": "https://example.org/colour"} | InvalidRequest |
      | {"@context": 5}                          | BadRequestData |
      | ["@context"]                             | InvalidRequest |
