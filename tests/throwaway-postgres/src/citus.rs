//! Databases on the Citus of `TEST_CITUS_URL`.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::{Server, execute};

/// A node of the cluster.
#[derive(QueryableByName, PartialEq, Eq)]
pub struct Node {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    port: i32,
    #[diesel(sql_type = Integer)]
    group: i32,
}

/// A cluster: the coordinator and its workers.
pub struct Cluster {
    pub coordinator: Server,
    nodes: Vec<Node>,
    url: String,
}

impl Cluster {
    /// The cluster whose coordinator `TEST_CITUS_URL` names.
    pub fn from_environment() -> Self {
        let url = std::env::var("TEST_CITUS_URL").unwrap_or_default();
        assert!(!url.is_empty(), "TEST_CITUS_URL does not name a database on a coordinator of Citus");
        let sql = "SELECT nodename AS name, nodeport AS port, groupid AS group FROM pg_dist_node \
                   WHERE noderole = 'primary' ORDER BY groupid";
        let nodes: Vec<Node> = sql_query(sql).load(&mut PgConnection::establish(&url).unwrap()).unwrap();
        assert!(nodes.iter().any(|node| node.group != 0), "the Citus of TEST_CITUS_URL has no workers");
        Self { coordinator: Server::External(url.clone()), nodes, url }
    }

    /// Creates the database on all nodes.
    pub fn create_database(&self, name: &str) {
        // Adding a node changes rows that all databases of the node share, which fails if another test does so.
        let mut lock = PgConnection::establish(&self.url).unwrap();
        lock.batch_execute("SELECT pg_advisory_lock(1)").unwrap();
        for server in self.servers() {
            execute(&server.url("postgres"), &format!("CREATE DATABASE {name}"));
            execute(&server.url(name), "CREATE EXTENSION citus");
        }
        for Node { name: host, port, group } in &self.nodes {
            let add = if *group == 0 { "citus_set_coordinator_host" } else { "citus_add_node" };
            execute(&self.coordinator.url(name), &format!("SELECT {add}('{host}', {port})"));
        }
    }

    /// Drops the database on all nodes.
    pub fn drop_database(&self, name: &str) {
        for server in self.servers() {
            execute(&server.url("postgres"), &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }

    /// The worker that has the calls of the account.
    pub fn worker_of(&self, database: &str, account: i64) -> Node {
        let sql = format!(
            "SELECT nodename AS name, nodeport AS port, groupid AS group \
             FROM pg_dist_placement JOIN pg_dist_node USING (groupid) \
             WHERE shardid = get_shard_id_for_distribution_column('calls', {account})"
        );
        sql_query(sql).get_result(&mut PgConnection::establish(&self.coordinator.url(database)).unwrap()).unwrap()
    }

    /// Ends the connections of the worker to the database and allows no new ones, or allows them again.
    pub fn allow_connections(&self, database: &str, worker: &Node, is_allowed: bool) {
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        let allow = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS {is_allowed}; {end}");
        execute(&self.server(worker).url("postgres"), &allow);
    }

    fn servers(&self) -> impl Iterator<Item = Server> {
        self.nodes.iter().map(|node| self.server(node))
    }

    /// The server of the node.
    pub fn server(&self, node: &Node) -> Server {
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_host(Some(&node.name)).unwrap();
        url.set_port(u16::try_from(node.port).ok()).unwrap();
        Server::External(url.into())
    }
}
