// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

extension RequestHeader {
    /// The header's version for a request: 2 (tagged fields) with flexible requests, 1 otherwise.
    public static func headerVersion(apiKey: APIKey, version: Int16) -> Int16 { apiKey.isFlexible(version) ? 2 : 1 }

    /// Reads the header of a received request, choosing its version by the API and version that it names.
    ///
    /// A version above those known has the newest header: that is what lets a broker answer an ApiVersions request of
    /// a newer client (KIP-511).
    ///
    /// - Throws: `.invalidValue` for an API key that does not exist, and the errors of truncated or malformed bytes.
    public init(receivedFrom reader: inout ByteReader) throws(WireError) {
        var ahead = reader
        let rawKey: Int16
        let version: Int16
        do throws(WireError) {
            rawKey = try ahead.readInt16()
            version = try ahead.readInt16()
        } catch {
            throw error.inside("RequestHeader")
        }
        guard let key = APIKey(rawValue: rawKey) else {
            throw WireError(.invalidValue(Int64(rawKey)), path: "RequestHeader.RequestApiKey")
        }
        do throws(WireError) {
            try self.init(from: &reader, version: Self.headerVersion(apiKey: key, version: version))
        } catch {
            throw error.inside("RequestHeader")
        }
    }
}

extension ResponseHeader {
    /// The header's version for a response: 1 (tagged fields) with flexible responses, 0 otherwise. ApiVersions is
    /// always answered with 0, since its client does not know yet what the broker understands (KIP-511).
    public static func headerVersion(apiKey: APIKey, version: Int16) -> Int16 {
        apiKey != .apiVersions && apiKey.isFlexible(version) ? 1 : 0
    }
}
