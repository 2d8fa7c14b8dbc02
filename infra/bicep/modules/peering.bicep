metadata description = 'This side of a peering with the company\'s hub network; the hub\'s side is made there.'

param networkName string

@description('The hub network.')
param hubNetworkId string

@description('Whether its gateway leads to the company\'s own network. A peering with a network that has none is refused.')
param hubHasGateway bool

resource network 'Microsoft.Network/virtualNetworks@2024-10-01' existing = {
  name: networkName
}

resource peering 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings@2024-10-01' = {
  parent: network
  name: 'hub'
  properties: {
    remoteVirtualNetwork: {
      id: hubNetworkId
    }
    allowVirtualNetworkAccess: true
    allowForwardedTraffic: true
    useRemoteGateways: hubHasGateway
  }
}
