// SPDX-License-Identifier: Apache-2.0

/// The contents of a Java `.properties` file: names with values, in the order of the file.
///
/// Server configuration and `meta.properties` are such files. A name may occur several times; the last one counts, as
/// in `java.util.Properties`. Values keep the white space at their end, as there.
public struct Properties: Sendable, Equatable {
    /// One `key=value`.
    public struct Entry: Sendable, Equatable {
        public let key: String
        public let value: String
        /// The line of the file on which the entry begins, from 1; 0 when it does not come from a file.
        public let line: Int

        public init(key: String, value: String, line: Int = 0) {
            self.key = key
            self.value = value
            self.line = line
        }
    }

    /// Every entry, repeated keys included.
    public private(set) var entries: [Entry]

    public init() {
        entries = []
    }

    public init(entries: [Entry]) {
        self.entries = entries
    }

    /// The value that counts for `key`, nil when there is none. Takes time in proportion to the number of entries.
    public subscript(key: String) -> String? {
        entries.last { $0.key == key }?.value
    }

    /// Adds an entry behind the others, where it outweighs earlier ones with the same key.
    public mutating func append(_ entry: Entry) {
        entries.append(entry)
    }

    /// Gives `key` this one value: in place when it has one, else behind the others.
    public mutating func set(_ key: String, to value: String) {
        guard let first = entries.firstIndex(where: { $0.key == key }) else {
            entries.append(Entry(key: key, value: value))
            return
        }
        entries[first] = Entry(key: key, value: value, line: entries[first].line)
        var index = entries.count - 1
        while index > first {
            if entries[index].key == key { entries.remove(at: index) }
            index -= 1
        }
    }
}

/// Why bytes are not a `.properties` file.
public struct PropertiesError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The first line of the entry in question, from 1.
    public let line: Int
    public let reason: String

    public init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }

    public var description: String { "line \(line): \(reason)" }
}
