// SPDX-License-Identifier: Apache-2.0
public import KafkaRuntime

/// `.kafka_cleanshutdown`: says that the last stop left nothing to recover, and which broker epoch the broker then
/// had (KIP-966). Kept only between a clean stop and the next start.
public struct CleanShutdownMarker: Equatable, Sendable {
    /// −1 where it is not known, as in the empty marker of brokers before 3.6.
    public var brokerEpoch: Int64

    public init(brokerEpoch: Int64) { self.brokerEpoch = brokerEpoch }

    /// nil where there is no marker.
    public static func read(directory: String, _ files: any FileSystem) throws(StorageError) -> CleanShutdownMarker? {
        let path = "\(directory)/\(LogFileNames.cleanShutdown)"
        guard let bytes = try storing({ () throws(FileError) in try files.readFile(path, limit: 4096) }) else {
            return nil
        }
        return CleanShutdownMarker(brokerEpoch: parseEpoch(bytes) ?? -1)
    }

    /// Writes the marker, durably.
    public func write(directory: String, _ files: any FileSystem) throws(StorageError) {
        let path = "\(directory)/\(LogFileNames.cleanShutdown)"
        let content = Array("{\"version\":0,\"brokerEpoch\":\(brokerEpoch)}".utf8)
        try storing { () throws(FileError) in try files.replaceFile(path, with: content) }
    }

    /// Removes the marker, durably, so that a crash from now on is seen as one.
    public static func remove(directory: String, _ files: any FileSystem) throws(StorageError) {
        try storing { () throws(FileError) in
            do throws(FileError) {
                try files.remove("\(directory)/\(LogFileNames.cleanShutdown)")
            } catch {
                if error.kind == .notFound { return }
                throw error
            }
            try files.syncDirectory(directory)
        }
    }

    /// The number after `"brokerEpoch":`, wherever it stands in the object.
    private static func parseEpoch(_ bytes: [UInt8]) -> Int64? {
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let key = text.firstRange(ofASCII: "\"brokerEpoch\":") else { return nil }
        return Int64(text[key...].prefix { $0 == "-" || $0.isNumber })
    }
}

extension String {
    /// The index behind the first occurrence of `needle`.
    fileprivate func firstRange(ofASCII needle: String) -> String.Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) { return index(start, offsetBy: needle.count) }
            start = index(after: start)
        }
        return nil
    }
}
