<?xml version="1.0" encoding="utf-8" ?>
<ogr:FeatureCollection
     gml:id="aFeatureCollection"
     xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
     xsi:schemaLocation="http://ogr.maptools.org/ zoning.xsd"
     xmlns:ogr="http://ogr.maptools.org/"
     xmlns:gml="http://www.opengis.net/gml/3.2">
  <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.8942391 -93.3095191</gml:lowerCorner><gml:upperCorner>45.0139261 -93.2185459</gml:upperCorner></gml:Envelope></gml:boundedBy>
                                                                                                                                        
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.0">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.9519529 -93.298863</gml:lowerCorner><gml:upperCorner>44.9531946 -93.2974745</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.0"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.0.0"><gml:exterior><gml:LinearRing><gml:posList>44.9531818 -93.2986454 44.9530667 -93.2980583 44.9530362 -93.2978973 44.9528769 -93.2979671 44.9528764 -93.2978109 44.9528787 -93.2974745 44.9527416 -93.2974753 44.9526849 -93.2974757 44.952655 -93.2974759 44.952555 -93.2974764 44.952542 -93.2974765 44.9524233 -93.2974772 44.9524232 -93.2976031 44.9523225 -93.2976044 44.9522999 -93.2976047 44.9521932 -93.2976061 44.9520587 -93.2976079 44.9519529 -93.2976098 44.9519535 -93.2982528 44.9521965 -93.2982653 44.9522636 -93.2982362 44.9525959 -93.2980902 44.9526287 -93.2982541 44.952754 -93.298863 44.9528433 -93.2988241 44.9530187 -93.2987476 44.9530263 -93.2987853 44.9531946 -93.2987113 44.9531818 -93.2986454</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>1</ogr:OBJECTID>
      <ogr:ZONE_CODE>C2</ogr:ZONE_CODE>
      <ogr:Shape__Are>16460.0390625</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.1">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.9420746 -93.2983485</gml:lowerCorner><gml:upperCorner>44.942183 -93.2977047</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.1"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.1.0"><gml:exterior><gml:LinearRing><gml:posList>44.942183 -93.2983485 44.9421814 -93.2982209 44.9421813 -93.2977273 44.9421809 -93.2977047 44.9420746 -93.2977052 44.9420746 -93.2977283 44.9420765 -93.2982218 44.9420753 -93.298348 44.9420922 -93.2983481 44.942183 -93.2983485</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>2</ogr:OBJECTID>
      <ogr:ZONE_CODE>R5</ogr:ZONE_CODE>
      <ogr:Shape__Are>1193.03125</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.2">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.9586571 -93.2962862</gml:lowerCorner><gml:upperCorner>44.9609206 -93.2943708</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.2"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.2.0"><gml:exterior><gml:LinearRing><gml:posList>44.9586581 -93.2951922 44.9586574 -93.2955446 44.9586571 -93.2956571 44.9599999 -93.2956476 44.9599991 -93.2957656 44.9600026 -93.2962643 44.9600024 -93.2962862 44.9605847 -93.2962842 44.9605849 -93.296258 44.9605825 -93.295763 44.9605826 -93.2956411 44.9609206 -93.2956368 44.960916 -93.2943708 44.9604279 -93.2943742 44.9599868 -93.2943772 44.9591201 -93.294383 44.9591207 -93.2949599 44.9590361 -93.2949618 44.958923 -93.294953 44.958932 -93.2949879 44.958839 -93.2950257 44.9588389 -93.2950411 44.9588296 -93.2950447 44.9587148 -93.295088 44.9586582 -93.2951094 44.9586581 -93.2951922</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>3</ogr:OBJECTID>
      <ogr:ZONE_CODE>R4</ogr:ZONE_CODE>
      <ogr:Shape__Are>51713.30078125</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.3">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.9738614 -93.2603642</gml:lowerCorner><gml:upperCorner>44.9862348 -93.2450437</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.3"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.3.0"><gml:exterior><gml:LinearRing><gml:posList>44.9828889 -93.2541876 44.9828253 -93.2540384 44.9828563 -93.2540143 44.9827722 -93.2539127 44.9828089 -93.2538656 44.9826714 -93.2536448 44.9826123 -93.2536819 44.9825233 -93.253643 44.9825867 -93.2532614 44.9823864 -93.2527669 44.9822139 -93.2524762 44.9810076 -93.2516541 44.9806245 -93.2512016 44.9803374 -93.250695 44.9793994 -93.2505227 44.9792204 -93.2493687 44.9790807 -93.2482004 44.9788001 -93.2450437 44.9785824 -93.2451252 44.9783887 -93.2452013 44.9779641 -93.2453698 44.9776566 -93.2454821 44.9775083 -93.2455466 44.977225 -93.245693 44.9769798 -93.2458395 44.9767878 -93.2459736 44.9765965 -93.2461241 44.9764135 -93.2462849 44.9762147 -93.2464756 44.9760075 -93.2466901 44.9757126 -93.2470399 44.9747128 -93.2484323 44.9738614 -93.2495522 44.9754332 -93.2531205 44.9754351 -93.253119 44.9763781 -93.2523312 44.976815 -93.2519679 44.9768151 -93.2519679 44.976757 -93.2518065 44.9766653 -93.2515806 44.9763157 -93.2518776 44.9762212 -93.2519622 44.9757986 -93.250968 44.9752966 -93.2497978 44.9752942 -93.2496604 44.9753464 -93.2495557 44.9762051 -93.248828 44.9768305 -93.2482979 44.9768269 -93.2484499 44.9768287 -93.2501311 44.9768284 -93.251792 44.9768802 -93.2519236 44.9769302 -93.2518938 44.9769302 -93.2518938 44.9770369 -93.2518229 44.9771683 -93.2517904 44.9772826 -93.2517579 44.9773854 -93.2517174 44.9775053 -93.2516367 44.9777792 -93.2513462 44.9779166 -93.2515794 44.9780253 -93.2517562 44.9781341 -93.2519572 44.9782315 -93.2521583 44.9783077 -93.252366 44.978384 -93.2523029 44.9784361 -93.2524433 44.9787107 -93.252228 44.9795202 -93.2516615 44.9797371 -93.2522192 44.9799256 -93.2529978 44.9801338 -93.2537624 44.9803518 -93.2545271 44.9805995 -93.2552777 44.9808571 -93.2560145 44.9811343 -93.2567373 44.9813818 -93.2573349 44.9814907 -93.2575712 44.9817183 -93.2580576 44.981837 -93.2582938 44.9820844 -93.2587663 44.9822031 -93.2590025 44.9824505 -93.2594611 44.9825791 -93.2596973 44.9828461 -93.2601419 44.9829747 -93.2603642 44.9829755 -93.2603621 44.9837129 -93.258248 44.98389 -93.2576493 44.984156 -93.2571063 44.9844813 -93.2566464 44.9848608 -93.2562917 44.9837392 -93.2535207 44.9828889 -93.2541876</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.3.1"><gml:exterior><gml:LinearRing><gml:posList>44.9844917 -93.2490748 44.9835044 -93.2498094 44.9852668 -93.2541292 44.9862348 -93.2534427 44.9851185 -93.2506023 44.9844917 -93.2490748</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>4</ogr:OBJECTID>
      <ogr:ZONE_CODE>I1</ogr:ZONE_CODE>
      <ogr:Shape__Are>927054.3046875</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.4">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.9429084 -93.288831</gml:lowerCorner><gml:upperCorner>44.9433462 -93.2874757</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.4"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.4.0"><gml:exterior><gml:LinearRing><gml:posList>44.9433457 -93.2881523 44.9431218 -93.2881532 44.9431218 -93.2879664 44.9431217 -93.2874992 44.9431217 -93.2874757 44.9429084 -93.2874762 44.9429114 -93.288155 44.9429104 -93.288831 44.9433462 -93.2888247 44.9433461 -93.2888084 44.943346 -93.28835 44.9433457 -93.2881523</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>5</ogr:OBJECTID>
      <ogr:ZONE_CODE>C1</ogr:ZONE_CODE>
      <ogr:Shape__Are>7651.98046875</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.5">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.919674 -93.2212331</gml:lowerCorner><gml:upperCorner>44.9215096 -93.2185459</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.5"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.5.0"><gml:exterior><gml:LinearRing><gml:posList>44.9205774 -93.2192087 44.9205773 -93.2192087 44.9205772 -93.2192086 44.9205768 -93.2192083 44.9205768 -93.2192083 44.919674 -93.2185459 44.919674 -93.218546 44.9196834 -93.2203938 44.9196866 -93.2210266 44.9196866 -93.221027 44.9196866 -93.2210284 44.9197662 -93.2210295 44.9205551 -93.2210301 44.921144 -93.2210306 44.9212115 -93.2210306 44.9212843 -93.2210661 44.9213803 -93.2211128 44.9214204 -93.2212308 44.9214984 -93.2212331 44.9215096 -93.2198927 44.9212828 -93.2197263 44.9206119 -93.2192341 44.9205774 -93.2192087</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>6</ogr:OBJECTID>
      <ogr:ZONE_CODE>C2</ogr:ZONE_CODE>
      <ogr:Shape__Are>58298.9765625</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.6">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>45.0025999 -93.2940892</gml:lowerCorner><gml:upperCorner>45.0030972 -93.2933229</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.6"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.6.0"><gml:exterior><gml:LinearRing><gml:posList>45.0026046 -93.2940831 45.0030972 -93.2940892 45.0030972 -93.2939655 45.0030927 -93.2933608 45.0030928 -93.2933229 45.0025999 -93.2933238 45.0026046 -93.2940831</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>7</ogr:OBJECTID>
      <ogr:ZONE_CODE>OR2</ogr:ZONE_CODE>
      <ogr:Shape__Are>6589.03515625</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.7">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>45.0135676 -93.3095191</gml:lowerCorner><gml:upperCorner>45.0139048 -93.308879</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.7"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.7.0"><gml:exterior><gml:LinearRing><gml:posList>45.0139044 -93.3088876 45.0136836 -93.3088819 45.0135698 -93.308879 45.0135702 -93.3089107 45.0135676 -93.3093967 45.0135676 -93.3095168 45.0138993 -93.3095191 45.0139028 -93.3093995 45.0139048 -93.3089161 45.0139044 -93.3088876</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>8</ogr:OBJECTID>
      <ogr:ZONE_CODE>R4</ogr:ZONE_CODE>
      <ogr:Shape__Are>3722.34375</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.8">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.8942391 -93.2845811</gml:lowerCorner><gml:upperCorner>44.8952165 -93.2832157</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.8"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.8.0"><gml:exterior><gml:LinearRing><gml:posList>44.8951803 -93.283217 44.8951404 -93.2832157 44.8949232 -93.2832173 44.8948667 -93.2832177 44.8942482 -93.2832217 44.8942483 -93.2833197 44.8942391 -93.2845811 44.8951958 -93.2845744 44.8952165 -93.2832248 44.8951803 -93.283217</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>9</ogr:OBJECTID>
      <ogr:ZONE_CODE>R5</ogr:ZONE_CODE>
      <ogr:Shape__Are>22870.46484375</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.9">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.9305376 -93.2624904</gml:lowerCorner><gml:upperCorner>44.9327965 -93.2605892</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.9"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.9.0"><gml:exterior><gml:LinearRing><gml:posList>44.9323494 -93.2624753 44.9327965 -93.2624761 44.9327965 -93.2623208 44.9327938 -93.2618483 44.9327936 -93.2618257 44.9310369 -93.2618277 44.9310362 -93.2618045 44.9310392 -93.2613321 44.9310385 -93.2612428 44.9310961 -93.2612427 44.9310967 -93.2611006 44.9310947 -93.2606147 44.9310954 -93.2605942 44.9305376 -93.2605892 44.9305436 -93.2618443 44.9305446 -93.2624904 44.9323494 -93.2624753</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>10</ogr:OBJECTID>
      <ogr:ZONE_CODE>R4</ogr:ZONE_CODE>
      <ogr:Shape__Are>37210.5859375</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.10">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>45.0131253 -93.2955863</gml:lowerCorner><gml:upperCorner>45.0139261 -93.2943301</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.10"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.10.0"><gml:exterior><gml:LinearRing><gml:posList>45.0139254 -93.2954643 45.0139193 -93.294435 45.0139192 -93.2943316 45.0134903 -93.2943308 45.0134895 -93.2943308 45.0134883 -93.2943308 45.0131253 -93.2943301 45.0131327 -93.2949711 45.0131327 -93.2949713 45.0131399 -93.2955833 45.013501 -93.2955847 45.0139261 -93.2955863 45.0139254 -93.2954643</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>11</ogr:OBJECTID>
      <ogr:ZONE_CODE>R5</ogr:ZONE_CODE>
      <ogr:Shape__Are>17361.109375</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:zoning gml:id="zoning.11">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>44.947498 -93.3046655</gml:lowerCorner><gml:upperCorner>44.9488418 -93.3008309</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326" gml:id="zoning.geom.11"><gml:surfaceMember><gml:Polygon gml:id="zoning.geom.11.0"><gml:exterior><gml:LinearRing><gml:posList>44.9488405 -93.3038512 44.9488349 -93.301295 44.9488346 -93.3008309 44.948364 -93.300832 44.9477569 -93.3008382 44.9475001 -93.3008385 44.9474992 -93.300963 44.947498 -93.301446 44.947498 -93.3014726 44.9477569 -93.3014716 44.9477554 -93.3020052 44.9477557 -93.3021144 44.9478803 -93.3021142 44.9478855 -93.3021143 44.9478823 -93.3022353 44.9478838 -93.3027267 44.9478849 -93.3027553 44.9481391 -93.3027487 44.9481383 -93.3027768 44.9481411 -93.3032816 44.948128 -93.3032816 44.9481283 -93.303507 44.9481289 -93.3038075 44.9480032 -93.3038091 44.9480044 -93.3039914 44.9480053 -93.3040195 44.9481322 -93.3040194 44.9481319 -93.304053 44.9481328 -93.3041991 44.948135 -93.3045505 44.9481347 -93.3046652 44.9483781 -93.3046655 44.9483779 -93.3042039 44.9484877 -93.3042025 44.9488251 -93.3042031 44.9488418 -93.3042031 44.9488405 -93.3038512</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:OBJECTID>12</ogr:OBJECTID>
      <ogr:ZONE_CODE>C1</ogr:ZONE_CODE>
      <ogr:Shape__Are>58103.50390625</ogr:Shape__Are>
    </ogr:zoning>
  </ogr:featureMember>
</ogr:FeatureCollection>
