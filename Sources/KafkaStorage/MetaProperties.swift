// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
public import KafkaRuntime

/// `meta.properties`: which cluster, node and directory the files of a log directory belong to.
///
/// Version 1 has `cluster.id`, `node.id` and, since KIP-858, `directory.id`. Version 0, of the ZooKeeper era, has
/// `broker.id` and maybe `cluster.id`. Keys that are not known are kept.
public struct MetaProperties: Equatable, Sendable {
    public var version: Int
    public var clusterID: String?
    public var nodeID: Int32?
    public var directoryID: KafkaUUID?
    /// Everything else, in the file's order.
    public var others: [(key: String, value: String)]

    public init(
        version: Int = 1, clusterID: String? = nil, nodeID: Int32? = nil, directoryID: KafkaUUID? = nil
    ) {
        self.version = version
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.directoryID = directoryID
        others = []
    }

    public static func == (left: MetaProperties, right: MetaProperties) -> Bool {
        left.version == right.version && left.clusterID == right.clusterID && left.nodeID == right.nodeID
            && left.directoryID == right.directoryID
            && left.others.elementsEqual(right.others) { $0.key == $1.key && $0.value == $1.value }
    }

    /// Reads the file in `directory`; nil where there is none, which means that the directory is not formatted.
    public static func read(directory: String, _ files: any FileSystem) throws(StorageError) -> MetaProperties? {
        let path = "\(directory)/\(LogFileNames.metaProperties)"
        guard let bytes = try storing({ () throws(FileError) in try files.readFile(path, limit: 1 << 20) }) else {
            return nil
        }
        return try MetaProperties(parsing: bytes, path: path)
    }

    /// Writes the file in `directory`, durably.
    ///
    /// - Parameter comment: the first line after a `#`, where Java's writer puts the date.
    public func write(directory: String, comment: String, _ files: any FileSystem) throws(StorageError) {
        let path = "\(directory)/\(LogFileNames.metaProperties)"
        try storing { () throws(FileError) in try files.replaceFile(path, with: encode(comment: comment)) }
    }

    func encode(comment: String) -> [UInt8] {
        var lines = ["#\(comment)"]
        if version == 0 {
            if let nodeID { lines.append("broker.id=\(nodeID)") }
        } else if let nodeID {
            lines.append("node.id=\(nodeID)")
        }
        if let directoryID { lines.append("directory.id=\(directoryID)") }
        lines.append("version=\(version)")
        if let clusterID { lines.append("cluster.id=\(JavaProperties.escape(clusterID, isKey: false))") }
        for (key, value) in others {
            lines.append(
                "\(JavaProperties.escape(key, isKey: true))=\(JavaProperties.escape(value, isKey: false))")
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    init(parsing bytes: [UInt8], path: String) throws(StorageError) {
        func corrupt(_ reason: String) -> StorageError { .corrupt(path: path, position: 0, reason: reason) }
        self.init(version: 0)
        var foundVersion = false
        for (key, value) in JavaProperties.parse(bytes) {
            switch key {
            case "version":
                guard let number = Int(value), (0...1).contains(number) else {
                    throw corrupt("version '\(value)' is neither 0 nor 1")
                }
                version = number
                foundVersion = true
            case "cluster.id": clusterID = value
            case "node.id", "broker.id":
                guard let number = Int32(value) else { throw corrupt("\(key) '\(value)' is not a number") }
                guard nodeID == nil || nodeID == number else { throw corrupt("broker.id and node.id differ") }
                nodeID = number
            case "directory.id":
                guard let id = KafkaUUID(value) else { throw corrupt("directory.id '\(value)' is not an id") }
                directoryID = id
            default: others.append((key, value))
            }
        }
        guard foundVersion else { throw corrupt("no version") }
        if version == 1 {
            guard clusterID != nil else { throw corrupt("no cluster.id") }
            guard nodeID != nil else { throw corrupt("no node.id") }
        }
    }
}

/// As much of Java's `.properties` as `meta.properties` needs: comments, `=`, `:` or blanks between key and value,
/// backslash escapes, continued lines.
enum JavaProperties {
    static func parse(_ bytes: [UInt8]) -> [(key: String, value: String)] {
        var entries: [(key: String, value: String)] = []
        var lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)[...]
        while let first = lines.popFirst() {
            var line = first.drop(while: isBlank)
            guard let start = line.first, start != "#", start != "!" else { continue }
            while endsInContinuation(line), let next = lines.popFirst() {
                line = line.dropLast() + next.drop(while: isBlank)
            }
            entries.append(split(line))
        }
        return entries
    }

    static func escape(_ text: String, isKey: Bool) -> String {
        var result = ""
        for (index, character) in text.unicodeScalars.enumerated() {
            switch character {
            case "\\", "=", ":", "#", "!": result += "\\\(character)"
            case " " where isKey || index == 0: result += "\\ "
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static func isBlank(_ character: Character) -> Bool {
        character == " " || character == "\t" || character == "\u{0C}"
    }

    private static func endsInContinuation(_ line: Substring) -> Bool {
        line.reversed().prefix { $0 == "\\" }.count % 2 == 1
    }

    private static func split(_ line: Substring) -> (key: String, value: String) {
        var key = ""
        var rest = line
        while let character = rest.first, character != "=", character != ":", !isBlank(character) {
            key += takeCharacter(&rest)
        }
        rest = rest.drop(while: isBlank)
        if let separator = rest.first, separator == "=" || separator == ":" {
            rest = rest.dropFirst().drop(while: isBlank)
        }
        var value = ""
        while !rest.isEmpty { value += takeCharacter(&rest) }
        return (key, value)
    }

    private static func takeCharacter(_ rest: inout Substring) -> String {
        guard let character = rest.popFirst() else { return "" }
        guard character == "\\", let escaped = rest.popFirst() else { return String(character) }
        switch escaped {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "f": return "\u{0C}"
        case "u":
            guard rest.count >= 4, let code = UInt32(rest.prefix(4), radix: 16), let scalar = Unicode.Scalar(code)
            else { return "u" }
            rest = rest.dropFirst(4)
            return String(scalar)
        default: return String(escaped)
        }
    }
}
