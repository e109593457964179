// SPDX-License-Identifier: Apache-2.0

extension ConfigurationReader {
    /// Beginnings of keys that are handed to plug-ins, which this broker does not have.
    private static let plugInPrefixes = ["rsm.config.", "rlmm.config.", "config.providers."]

    /// Warns of every setting that does nothing: unknown, of another kind of resource, or not acted on (yet).
    mutating func warnOfUnusedKeys() {
        for name in settings.names {
            if let definition = ConfigurationKeys.broker(name) {
                warnOfSupport(definition)
            } else if name.hasPrefix(LoggingConfiguration.componentPrefix) {
                continue
            } else if name.hasPrefix(ConfigurationKeys.listenerPrefix) {
                warnOfListenerKey(name)
            } else if ConfigurationReader.plugInPrefixes.contains(where: name.hasPrefix) {
                warn(name, "is not acted on yet")
            } else if let synonym = ConfigurationKeys.brokerSynonyms(ofTopicKey: name).first {
                warn(name, "is a key of topics and ignored here; the broker's key is \(synonym.name)")
            } else {
                let hint = ConfigurationKeys.nearest(to: name).map { "; did you mean \($0)?" } ?? ""
                warn(name, "is unknown and ignored\(hint)")
            }
        }
    }

    private mutating func warnOfListenerKey(_ name: String) {
        guard let key = ConfigurationKeys.scoped(name)?.name else { return warn(name, "is unknown and ignored") }
        if !ConfigurationKeys.ofListeners.contains(key) { warn(name, "is not acted on yet") }
    }

    private mutating func warnOfSupport(_ definition: ConfigurationDefinition) {
        let name = definition.name
        if definition.mode == .dynamicOnly {
            warn(name, "is ignored in the file; it can only be set while the broker runs")
        } else if name == "authorizer.class.name", optionalText(name)?.isEmpty == false {
            warn(name, "is not acted on yet: every client may do everything")
        } else if definition.support == .later {
            warn(name, "is not acted on yet")
        } else if definition.support == .noEffect {
            warn(name, "has no effect in this broker")
        }
    }
}
