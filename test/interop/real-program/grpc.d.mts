import type { ServiceDefinition } from '@grpc/grpc-js'

export declare const loom: ServiceDefinition
