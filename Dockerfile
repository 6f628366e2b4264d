# syntax=docker/dockerfile:1
FROM rust:1.95.0-bookworm AS build
# The image has this toolchain alone, without the components that rust-toolchain.toml lists.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package callbook --features postgres-tls && mkdir /data

# The binary needs libc, libgcc and OpenSSL, which are in this image; SQLite and libpq are compiled in.
# It runs as user 65532 and writes only to /data.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/callbook /usr/local/bin/callbook
COPY --from=build --chown=nonroot:nonroot /data /data
# A long import needs temporary files of SQLite, and only /data is writable.
ENV CALLBOOK_BIND=0.0.0.0:8080 CALLBOOK_DATA_DIR=/data SQLITE_TMPDIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/local/bin/callbook", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/callbook"]
