// SPDX-License-Identifier: Apache-2.0

/// Kafka's names in Swift's spelling.
enum Naming {
    /// `TransactionalId` → `transactionalID`, `TopicIds` → `topicIDs`, `KRaftVersion` → `kRaftVersion`.
    static func property(_ name: String) -> String {
        var words = camelWords(name)
        for index in words.indices {
            if words[index] == "Id" { words[index] = "ID" }
            if words[index] == "Ids" { words[index] = "IDs" }
        }
        if let first = words.first {
            words[0] = first == "ID" || first == "IDs" ? first.lowercased() : lowerFirst(first)
        }
        return words.joined()
    }

    /// The name as Kafka's JSON has it: only the first letter is lowered.
    static func json(_ name: String) -> String { lowerFirst(name) }

    /// `TopicRecord` → `TOPIC_RECORD`.
    static func upperSnake(_ name: String) -> String {
        camelWords(name).map { $0.uppercased() }.joined(separator: "_")
    }

    /// The enum case of a metadata record: `TopicRecord` → `topic`.
    static func recordCase(_ name: String) -> String {
        property(name.hasSuffix("Record") ? String(name.dropLast("Record".count)) : name)
    }

    private static let keywords: Set<String> = [
        "as", "break", "case", "class", "default", "enum", "extension", "for", "func", "if", "import", "in", "init",
        "internal", "is", "let", "operator", "private", "protocol", "public", "repeat", "return", "self", "static",
        "struct", "switch", "throw", "true", "false", "try", "var", "where", "while",
    ]

    /// The name quoted where Swift needs it.
    static func quoted(_ name: String) -> String { keywords.contains(name) ? "`\(name)`" : name }

    private static func lowerFirst(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }

    /// Cuts before each capital that follows a small letter or a digit, and between capitals never.
    private static func camelWords(_ name: String) -> [String] {
        var words: [String] = []
        var current = ""
        var previous: Character?
        for character in name {
            if character.isUppercase, let previous, !previous.isUppercase {
                words.append(current)
                current = ""
            }
            current.append(character)
            previous = character
        }
        words.append(current)
        return words
    }
}
