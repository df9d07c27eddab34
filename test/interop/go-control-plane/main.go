// A control plane that is not ours: one snapshot on Envoy's own library, served over ADS as delta and state of the world.
//
// It prints one JSON line {"event":"ready","xds":"127.0.0.1:PORT"} and then one for each NACK it gets
// {"event":"nack","type":…,"message":…} and each ACK {"event":"ack","type":…,"version":…}. It reads one JSON command a line:
// {"listener":"127.0.0.1:PORT","backends":{"v1":["127.0.0.1:PORT"]},"weights":{"v1":90,"v2":10},"unsupported":"…"}
// and serves a new snapshot made from it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const nodeID = "interop.default"

// Command is what a line on standard input asks for.
type Command struct {
	Listener    string              `json:"listener"`
	Backends    map[string][]string `json:"backends"`
	Weights     map[string]uint32   `json:"weights"`
	Unsupported string              `json:"unsupported"`
}

var output sync.Mutex

func say(value map[string]any) {
	output.Lock()
	defer output.Unlock()
	line, _ := json.Marshal(value)
	fmt.Println(string(line))
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func address(hostPort string) *corev3.Address {
	host, port, err := net.SplitHostPort(hostPort)
	number := must(strconv.Atoi(must(port, err)))
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(number)},
	}}}
}

func ads() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ResourceApiVersion:    corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
	}
}

func clusterOf(name string) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:                 name,
		ConnectTimeout:       durationpb.New(time.Second),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads()},
		LbPolicy:             clusterv3.Cluster_ROUND_ROBIN,
	}
}

func assignmentOf(name string, addresses []string) *endpointv3.ClusterLoadAssignment {
	var endpoints []*endpointv3.LbEndpoint
	for _, one := range addresses {
		endpoints = append(endpoints, &endpointv3.LbEndpoint{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{
			Endpoint: &endpointv3.Endpoint{Address: address(one)},
		}})
	}
	return &endpointv3.ClusterLoadAssignment{
		ClusterName: name,
		Endpoints:   []*endpointv3.LocalityLbEndpoints{{LbEndpoints: endpoints}},
	}
}

func weighted(weights map[string]uint32) *routev3.RouteAction {
	var names []string
	for name := range weights {
		names = append(names, name)
	}
	sort.Strings(names)
	var clusters []*routev3.WeightedCluster_ClusterWeight
	for _, name := range names {
		clusters = append(clusters, &routev3.WeightedCluster_ClusterWeight{
			Name: name, Weight: wrapperspb.UInt32(weights[name]),
		})
	}
	return &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_WeightedClusters{
		WeightedClusters: &routev3.WeightedCluster{Clusters: clusters},
	}}
}

func routesOf(command Command) *routev3.RouteConfiguration {
	prefix := func(value string) *routev3.RouteMatch {
		return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: value}}
	}
	split := weighted(command.Weights)
	if command.Unsupported == "hash_policy of a cookie to be made" {
		split.HashPolicy = []*routev3.RouteAction_HashPolicy{{
			PolicySpecifier: &routev3.RouteAction_HashPolicy_Cookie_{Cookie: &routev3.RouteAction_HashPolicy_Cookie{
				Name: "session", Ttl: durationpb.New(time.Hour),
			}},
		}}
	}
	return &routev3.RouteConfiguration{Name: "local", VirtualHosts: []*routev3.VirtualHost{{
		Name: "all", Domains: []string{"*"},
		Routes: []*routev3.Route{
			{
				Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: "/old"}},
				Action: &routev3.Route_Redirect{Redirect: &routev3.RedirectAction{
					PathRewriteSpecifier: &routev3.RedirectAction_PathRedirect{PathRedirect: "/new"},
				}},
			},
			{
				Match: &routev3.RouteMatch{
					PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"},
					Headers: []*routev3.HeaderMatcher{{
						Name: "x-version", HeaderMatchSpecifier: &routev3.HeaderMatcher_ExactMatch{ExactMatch: "v2"},
					}},
				},
				Action: &routev3.Route_Route{Route: &routev3.RouteAction{
					ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: "v2"},
				}},
			},
			{
				Match: prefix("/api/"),
				Action: &routev3.Route_Route{Route: &routev3.RouteAction{
					ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: "v1"}, PrefixRewrite: "/",
				}},
			},
			{
				Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: "/teapot"}},
				Action: &routev3.Route_DirectResponse{DirectResponse: &routev3.DirectResponseAction{Status: 418}},
			},
			{Match: prefix("/"), Action: &routev3.Route_Route{Route: split}},
		},
	}}}
}

func listenerOf(command Command) *listenerv3.Listener {
	router := must(anypb.New(&routerv3.Router{}))
	manager := &hcmv3.HttpConnectionManager{
		StatPrefix: "ingress",
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{
			ConfigSource: ads(), RouteConfigName: "local",
		}},
		HttpFilters: []*hcmv3.HttpFilter{{
			Name: "envoy.filters.http.router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: router},
		}},
	}
	if command.Unsupported == "local_reply_config" {
		manager.LocalReplyConfig = &hcmv3.LocalReplyConfig{BodyFormat: &corev3.SubstitutionFormatString{
			Format: &corev3.SubstitutionFormatString_TextFormat{TextFormat: "no"},
		}}
	}
	return &listenerv3.Listener{
		Name:    "ingress",
		Address: address(command.Listener),
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name:       "envoy.filters.network.http_connection_manager",
			ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: must(anypb.New(manager))},
		}}}},
	}
}

func snapshotOf(version int, command Command) *cache.Snapshot {
	var clusters, assignments []types.Resource
	for name, addresses := range command.Backends {
		clusters = append(clusters, clusterOf(name))
		assignments = append(assignments, assignmentOf(name, addresses))
	}
	return must(cache.NewSnapshot(fmt.Sprint(version), map[resource.Type][]types.Resource{
		resource.ClusterType:  clusters,
		resource.EndpointType: assignments,
		resource.ListenerType: {listenerOf(command)},
		resource.RouteType:    {routesOf(command)},
	}))
}

// record tells the test what the proxy acknowledged and what it refused.
func record() server.Callbacks {
	told := func(typeURL, nonce, version, message string) {
		if message != "" {
			say(map[string]any{"event": "nack", "type": typeURL, "message": message})
		} else if nonce != "" {
			say(map[string]any{"event": "ack", "type": typeURL, "version": version})
		}
	}
	return server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, request *discoveryv3.DiscoveryRequest) error {
			told(request.TypeUrl, request.ResponseNonce, request.VersionInfo, request.ErrorDetail.GetMessage())
			return nil
		},
		StreamDeltaRequestFunc: func(_ int64, request *discoveryv3.DeltaDiscoveryRequest) error {
			told(request.TypeUrl, request.ResponseNonce, "", request.ErrorDetail.GetMessage())
			return nil
		},
	}
}

func main() {
	ctx := context.Background()
	snapshots := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
	grpcServer := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(grpcServer, server.NewServer(ctx, snapshots, record()))
	socket := must(net.Listen("tcp", "127.0.0.1:0"))
	go func() { _ = grpcServer.Serve(socket) }()
	say(map[string]any{"event": "ready", "xds": socket.Addr().String()})
	lines := bufio.NewScanner(os.Stdin)
	for version := 1; lines.Scan(); version++ {
		var command Command
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := snapshots.SetSnapshot(ctx, nodeID, snapshotOf(version, command)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		say(map[string]any{"event": "served", "version": fmt.Sprint(version)})
	}
	grpcServer.Stop()
}
