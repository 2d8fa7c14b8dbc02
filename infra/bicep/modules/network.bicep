metadata description = 'The network that the app goes out by, and in which storage and Key Vault have their private addresses.'

param name string
param location string
param tags object

@description('Addresses of the network.')
param addressPrefix string

@description('Those of the app: a /27 at least, a /26 for many instances.')
param appSubnetPrefix string

@description('Those of the private endpoints: a /28 at least.')
param endpointSubnetPrefix string

@description('DNS servers that know the company\'s names; none: those of Azure.')
param dnsServers array

@description('The NAT gateway for a fixed outbound address; empty: none.')
param natGatewayId string

@description('The route table of the app\'s subnet; empty: none.')
param routeTableId string

var natGateway = empty(natGatewayId) ? null : {
  id: natGatewayId
}

var routeTable = empty(routeTableId) ? null : {
  id: routeTableId
}

resource appRules 'Microsoft.Network/networkSecurityGroups@2024-10-01' = {
  name: '${name}-app'
  location: location
  tags: tags
  // The rules that every group has will do: nothing comes in from the internet.
  properties: {
    securityRules: []
  }
}

resource endpointRules 'Microsoft.Network/networkSecurityGroups@2024-10-01' = {
  name: '${name}-endpoints'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'network-to-endpoints'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: 'VirtualNetwork'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '443'
        }
      }
      {
        name: 'nobody-else-comes-in'
        properties: {
          priority: 4000
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-10-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    dhcpOptions: {
      dnsServers: dnsServers
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appSubnetPrefix
          networkSecurityGroup: {
            id: appRules.id
          }
          natGateway: natGateway
          routeTable: routeTable
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointSubnetPrefix
          networkSecurityGroup: {
            id: endpointRules.id
          }
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
        }
      }
    ]
  }
}

output id string = network.id
output name string = network.name
output appSubnetId string = '${network.id}/subnets/app'
output endpointSubnetId string = '${network.id}/subnets/endpoints'
