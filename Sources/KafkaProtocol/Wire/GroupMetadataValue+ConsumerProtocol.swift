// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

extension GroupMetadataValue {
    /// The value as Kafka's dump tool prints it: for groups of consumers the members' subscriptions and assignments,
    /// which are messages of their own inside bytes, are spelled out in place of Base64.
    ///
    /// - Throws: the errors of a subscription or assignment that is malformed or of an unknown version.
    public func expandedJSON(version: Int16) throws(WireError) -> String {
        guard protocolType == "consumer" else { return json(version: version) }
        var texts: [String] = []
        for (index, member) in members.enumerated() {
            do throws(WireError) {
                texts.append(try Self.expandedJSON(member, version: version))
            } catch {
                throw error.inside(index: index).inside("Members")
            }
        }
        var rest = self
        rest.members = []
        return Self.replaceEnd(
            "\"members\":[]}", by: "\"members\":[\(texts.joined(separator: ","))]}", of: rest.json(version: version))
    }

    private static func expandedJSON(_ member: MemberMetadata, version: Int16) throws(WireError) -> String {
        let subscription: String
        do throws(WireError) {
            subscription = try consumerProtocolJSON(ConsumerProtocolSubscription.self, member.subscription)
        } catch { throw error.inside("Subscription") }
        let assignment: String
        do throws(WireError) {
            assignment = try consumerProtocolJSON(ConsumerProtocolAssignment.self, member.assignment)
        } catch { throw error.inside("Assignment") }
        var rest = member
        rest.subscription = []
        rest.assignment = []
        return replaceEnd(
            "\"subscription\":\"\",\"assignment\":\"\"}",
            by: "\"subscription\":\(subscription),\"assignment\":\(assignment)}", of: rest.json(version: version))
    }

    /// A message behind its version, as JSON.
    private static func consumerProtocolJSON<T: WireMessage & JSONWritable>(
        _: T.Type, _ bytes: [UInt8]
    ) throws(WireError) -> String {
        let result: Result<String, WireError> = bytes.withUnsafeBytes { raw in
            do throws(WireError) {
                var reader = ByteReader(raw)
                let version = try reader.readInt16()
                return .success(try T(from: &reader, version: version).json(version: version))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// `text` with its end replaced. The schema puts the members last, and in a member the two messages.
    private static func replaceEnd(_ end: String, by other: String, of text: String) -> String {
        precondition(text.hasSuffix(end), "the fields to replace must be the last ones")
        return text.dropLast(end.count) + other
    }
}
