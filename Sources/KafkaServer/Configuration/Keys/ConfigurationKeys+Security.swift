// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// TLS, SASL and delegation tokens.
    static let security: [ConfigurationDefinition] = [
        .long(
            "connections.max.reauth.ms", 0, .any, .readOnly, .later,
            "Longest SASL session before a client must authenticate again; 0 is no limit."),
        .int(
            "sasl.server.max.receive.size", 524_288, .any, .readOnly, .later,
            "The largest message accepted during SASL authentication."),
        .text(
            .string, "security.providers", nil, .any, .readOnly, .noEffect,
            "Java security providers; this broker uses OpenSSL."),
        .text(
            .class, "principal.builder.class",
            "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", .any, .perBroker, .noEffect,
            "A Java class that names the user of a connection; this broker loads no Java classes."),
        .text(
            .string, "ssl.client.auth", "none", .oneOf(["required", "requested", "none"]), .perBroker, .later,
            "Whether clients must (`required`), may (`requested`) or need not (`none`) show a certificate."),
        .text(
            .string, "ssl.principal.mapping.rules", "DEFAULT", .any, .readOnly, .later,
            "How a certificate's subject becomes a user name."),
        .boolean(
            "ssl.allow.dn.changes", false, .readOnly, .later,
            "Whether a new certificate may have another subject."),
        .boolean(
            "ssl.allow.san.changes", false, .readOnly, .later,
            "Whether a new certificate may have other alternative names."),
        .text(
            .string, "ssl.protocol", "TLSv1.3", .any, .perBroker, .later,
            "The TLS version to prefer."),
        .text(
            .string, "ssl.provider", nil, .any, .perBroker, .noEffect,
            "The Java provider of TLS; this broker uses OpenSSL."),
        .text(
            .list, "ssl.enabled.protocols", "TLSv1.2,TLSv1.3", .distinctItems(mayBeEmpty: true), .perBroker, .later,
            "TLS versions that may be used."),
        .text(
            .string, "ssl.keystore.type", "JKS", .any, .perBroker, .later,
            "Format of the key store: `JKS`, `PKCS12` or `PEM`."),
        .text(
            .string, "ssl.keystore.location", nil, .any, .perBroker, .later,
            "File with the certificate and private key."),
        .text(
            .password, "ssl.keystore.password", nil, .any, .perBroker, .later,
            "Password of the key store."),
        .text(
            .password, "ssl.key.password", nil, .any, .perBroker, .later,
            "Password of the private key."),
        .text(
            .password, "ssl.keystore.key", nil, .any, .perBroker, .later,
            "The private key as PEM text."),
        .text(
            .password, "ssl.keystore.certificate.chain", nil, .any, .perBroker, .later,
            "The certificate chain as PEM text."),
        .text(
            .string, "ssl.truststore.type", "JKS", .any, .perBroker, .later,
            "Format of the trust store: `JKS`, `PKCS12` or `PEM`."),
        .text(
            .string, "ssl.truststore.location", nil, .any, .perBroker, .later,
            "File with the certificates that are trusted."),
        .text(
            .password, "ssl.truststore.password", nil, .any, .perBroker, .later,
            "Password of the trust store."),
        .text(
            .password, "ssl.truststore.certificates", nil, .any, .perBroker, .later,
            "The trusted certificates as PEM text."),
        .text(
            .string, "ssl.keymanager.algorithm", "SunX509", .any, .perBroker, .noEffect,
            "Java's key manager; this broker uses OpenSSL."),
        .text(
            .string, "ssl.trustmanager.algorithm", "PKIX", .any, .perBroker, .noEffect,
            "Java's trust manager; this broker uses OpenSSL."),
        .text(
            .string, "ssl.endpoint.identification.algorithm", "https", .any, .perBroker, .later,
            "How a server's name is checked against its certificate; empty is not at all."),
        .text(
            .string, "ssl.secure.random.implementation", nil, .any, .perBroker, .noEffect,
            "Java's random numbers; this broker uses OpenSSL."),
        .text(
            .list, "ssl.cipher.suites", "", .distinctItems(mayBeEmpty: true), .perBroker, .later,
            "Cipher suites that may be used; empty is the library's choice."),
        .text(
            .class, "ssl.engine.factory.class", nil, .any, .perBroker, .noEffect,
            "A Java class that makes TLS engines; this broker uses OpenSSL."),
        .text(
            .string, "sasl.mechanism.inter.broker.protocol", "GSSAPI", .any, .perBroker, .later,
            "SASL mechanism between brokers."),
        .text(
            .list, "sasl.enabled.mechanisms", "GSSAPI", .distinctItems(mayBeEmpty: true), .perBroker, .later,
            "SASL mechanisms that clients may use."),
        .text(
            .class, "sasl.server.callback.handler.class", nil, .any, .readOnly, .noEffect,
            "A Java class for the server side of SASL; this broker loads no Java classes."),
        .text(
            .list, "sasl.kerberos.principal.to.local.rules", "DEFAULT", .distinctItems(mayBeEmpty: true),
            .perBroker, .later,
            "How a Kerberos principal becomes a user name."),
        .text(
            .password, "sasl.jaas.config", nil, .any, .perBroker, .later,
            "Users and secrets of a SASL mechanism, in JAAS form."),
        .text(
            .class, "sasl.client.callback.handler.class", nil, .any, .readOnly, .noEffect,
            "A Java class for the client side of SASL; this broker loads no Java classes."),
        .text(
            .class, "sasl.login.class", nil, .any, .readOnly, .noEffect,
            "A Java class that logs in; this broker loads no Java classes."),
        .text(
            .class, "sasl.login.callback.handler.class", nil, .any, .readOnly, .noEffect,
            "A Java class used by the login; this broker loads no Java classes."),
        .text(
            .string, "sasl.kerberos.service.name", nil, .any, .perBroker, .later,
            "The Kerberos service that brokers run as."),
        .text(
            .string, "sasl.kerberos.kinit.cmd", "/usr/bin/kinit", .any, .perBroker, .later,
            "The kinit program."),
        .double(
            "sasl.kerberos.ticket.renew.window.factor", 0.8, .any, .perBroker, .later,
            "The part of a ticket's lifetime after which it is renewed."),
        .double(
            "sasl.kerberos.ticket.renew.jitter", 0.05, .any, .perBroker, .later,
            "The random part of the time of renewal."),
        .long(
            "sasl.kerberos.min.time.before.relogin", 60_000, .any, .perBroker, .later,
            "The shortest time between two logins, in milliseconds."),
        .double(
            "sasl.login.refresh.window.factor", 0.8, .fraction(0.5, 1), .perBroker, .later,
            "The part of a token's lifetime after which it is refreshed."),
        .double(
            "sasl.login.refresh.window.jitter", 0.05, .fraction(0, 0.25), .perBroker, .later,
            "The random part of the time of refresh."),
        .short(
            "sasl.login.refresh.min.period.seconds", 60, .any, .perBroker, .later,
            "The shortest time between two refreshes."),
        .short(
            "sasl.login.refresh.buffer.seconds", 300, .any, .perBroker, .later,
            "The time before expiry that a refresh keeps clear of."),
        .int(
            "sasl.login.connect.timeout.ms", nil, .any, .readOnly, .later,
            "How long connecting to the token server may take."),
        .int(
            "sasl.login.read.timeout.ms", nil, .any, .readOnly, .later,
            "How long the token server's answer may take."),
        .long(
            "sasl.login.retry.backoff.max.ms", 10_000, .any, .readOnly, .later,
            "The longest pause between login attempts."),
        .long(
            "sasl.login.retry.backoff.ms", 100, .any, .readOnly, .later,
            "The first pause between login attempts."),
        .text(
            .class, "sasl.oauthbearer.jwt.retriever.class",
            "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", .any, .readOnly, .noEffect,
            "A Java class that fetches tokens; this broker loads no Java classes."),
        .text(
            .class, "sasl.oauthbearer.jwt.validator.class",
            "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", .any, .readOnly, .noEffect,
            "A Java class that checks tokens; this broker loads no Java classes."),
        .text(
            .string, "sasl.oauthbearer.scope", nil, .any, .readOnly, .later,
            "Scope asked for with a token."),
        .text(
            .string, "sasl.oauthbearer.client.credentials.client.id", nil, .any, .readOnly, .later,
            "Client id for fetching tokens."),
        .text(
            .password, "sasl.oauthbearer.client.credentials.client.secret", nil, .any, .readOnly, .later,
            "Client secret for fetching tokens."),
        .text(
            .string, "sasl.oauthbearer.assertion.algorithm", "RS256", .oneOfIgnoringCase(["ES256", "RS256"]),
            .readOnly, .later,
            "Signature of the assertion: `RS256` or `ES256`."),
        .text(
            .string, "sasl.oauthbearer.assertion.claim.aud", nil, .any, .readOnly, .later,
            "The assertion's `aud` claim."),
        .int(
            "sasl.oauthbearer.assertion.claim.exp.seconds", 300, .between(0, 86_400), .readOnly, .later,
            "Seconds until the assertion expires."),
        .text(
            .string, "sasl.oauthbearer.assertion.claim.iss", nil, .any, .readOnly, .later,
            "The assertion's `iss` claim."),
        .boolean(
            "sasl.oauthbearer.assertion.claim.jti.include", false, .readOnly, .later,
            "Whether the assertion has a unique `jti` claim."),
        .int(
            "sasl.oauthbearer.assertion.claim.nbf.seconds", 60, .between(0, 3600), .readOnly, .later,
            "Seconds that the assertion's `nbf` claim lies in the past."),
        .text(
            .string, "sasl.oauthbearer.assertion.claim.sub", nil, .any, .readOnly, .later,
            "The assertion's `sub` claim."),
        .text(
            .string, "sasl.oauthbearer.assertion.file", nil, .any, .readOnly, .later,
            "File with a ready assertion."),
        .text(
            .string, "sasl.oauthbearer.assertion.private.key.file", nil, .any, .readOnly, .later,
            "File with the key that signs assertions."),
        .text(
            .password, "sasl.oauthbearer.assertion.private.key.passphrase", nil, .any, .readOnly, .later,
            "Passphrase of that key."),
        .text(
            .string, "sasl.oauthbearer.assertion.template.file", nil, .any, .readOnly, .later,
            "File with further claims for the assertion."),
        .text(
            .string, "sasl.oauthbearer.scope.claim.name", "scope", .any, .readOnly, .later,
            "The claim that holds a token's scope."),
        .text(
            .string, "sasl.oauthbearer.sub.claim.name", "sub", .any, .readOnly, .later,
            "The claim that holds a token's subject."),
        .text(
            .string, "sasl.oauthbearer.token.endpoint.url", nil, .any, .readOnly, .later,
            "Where tokens are fetched."),
        .text(
            .string, "sasl.oauthbearer.jwks.endpoint.url", nil, .any, .readOnly, .later,
            "Where the keys that sign tokens are published."),
        .long(
            "sasl.oauthbearer.jwks.endpoint.refresh.ms", 3_600_000, .any, .readOnly, .later,
            "How often those keys are fetched."),
        .long(
            "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", 100, .any, .readOnly, .later,
            "The first pause after a failed fetch of keys."),
        .long(
            "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", 10_000, .any, .readOnly, .later,
            "The longest pause after failed fetches of keys."),
        .int(
            "sasl.oauthbearer.clock.skew.seconds", 30, .any, .readOnly, .later,
            "Difference between clocks that is tolerated in a token's times."),
        .boolean(
            "sasl.oauthbearer.allow.unverified.audience", false, .readOnly, .later,
            "Whether a token's audience goes unchecked when none is expected."),
        .text(
            .list, "sasl.oauthbearer.expected.audience", "", .distinctItems(mayBeEmpty: true), .readOnly, .later,
            "Audiences of which a token must name one."),
        .boolean(
            "sasl.oauthbearer.allow.unverified.issuer", false, .readOnly, .later,
            "Whether a token's issuer goes unchecked when none is expected."),
        .text(
            .string, "sasl.oauthbearer.expected.issuer", nil, .any, .readOnly, .later,
            "The issuer a token must name."),
        .text(
            .password, "delegation.token.secret.key", nil, .any, .readOnly, .later,
            "Secret that signs delegation tokens, the same on every node."),
        .long(
            "delegation.token.max.lifetime.ms", 604_800_000, .atLeast(1), .readOnly, .later,
            "The longest life of a delegation token, renewals included."),
        .long(
            "delegation.token.expiry.time.ms", 86_400_000, .atLeast(1), .readOnly, .later,
            "How long a delegation token is valid without renewal."),
        .long(
            "delegation.token.expiry.check.interval.ms", 3_600_000, .atLeast(1), .readOnly, .later,
            "How often expired delegation tokens are removed."),
    ]
}
