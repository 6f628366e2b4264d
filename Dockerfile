# syntax=docker/dockerfile:1
FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
# The caches keep downloaded and compiled dependencies between builds, apart from the sources.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package callbook --features postgres-tls \
    && cp target/release/callbook /callbook && mkdir /data

# The binary needs libc, libgcc and OpenSSL, which are in this image; SQLite and libpq are compiled in.
# It runs as user 65532 and writes only to /data.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Callbook" \
      org.opencontainers.image.description="A self-hosted server for the Calls API of Monica, the personal CRM" \
      org.opencontainers.image.source="https://github.com/callbook/callbook" \
      org.opencontainers.image.documentation="https://github.com/callbook/callbook/blob/main/docs/operations.md" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /callbook /usr/local/bin/callbook
COPY --from=build --chown=nonroot:nonroot /data /data
# A long import needs temporary files of SQLite, and only /data is writable.
ENV CALLBOOK_BIND=0.0.0.0:8080 CALLBOOK_DATA_DIR=/data SQLITE_TMPDIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/local/bin/callbook", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/callbook"]
