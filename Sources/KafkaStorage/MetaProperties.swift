// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
public import KafkaRuntime

/// `meta.properties`: which cluster, node and directory the files of a log directory belong to.
///
/// Version 1 has `cluster.id`, `node.id` and, since KIP-858, `directory.id`. Version 0, of the ZooKeeper era, has
/// `broker.id` and maybe `cluster.id`. Keys that are not known are kept.
public struct MetaProperties: Equatable, Sendable {
    /// 1; 0 in directories from the ZooKeeper era.
    public var version: Int
    /// `cluster.id`.
    public var clusterID: String?
    /// `node.id`, or the older `broker.id`.
    public var nodeID: Int32?
    /// `directory.id`, which names the directory within the cluster.
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
    /// - Parameter comment: stands in the second line, where Java's writer puts the date.
    public func write(directory: String, comment: String, _ files: any FileSystem) throws(StorageError) {
        let path = "\(directory)/\(LogFileNames.metaProperties)"
        try storing { () throws(FileError) in try files.replaceFile(path, with: encode(comment: comment)) }
    }

    func encode(comment: String) -> [UInt8] {
        var properties = Properties()
        func add(_ key: String, _ value: String) { properties.append(.init(key: key, value: value)) }
        if let nodeID { add(version == 0 ? "broker.id" : "node.id", "\(nodeID)") }
        if let directoryID { add("directory.id", "\(directoryID)") }
        add("version", "\(version)")
        if let clusterID { add("cluster.id", clusterID) }
        for (key, value) in others { add(key, value) }
        return properties.serialized(comments: ["", comment])
    }

    init(parsing bytes: [UInt8], path: String) throws(StorageError) {
        func corrupt(_ reason: String) -> StorageError { .corrupt(path: path, position: 0, reason: reason) }
        self.init(version: 0)
        var foundVersion = false
        let properties: Properties
        do throws(PropertiesError) {
            properties = try Properties(parsing: bytes)
        } catch {
            throw corrupt("\(error)")
        }
        for entry in properties.entries {
            let (key, value) = (entry.key, entry.value)
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
